"""Worklists: items to judge, with completions that are generated and frozen beforehand."""
