"""Judges of reasoning traces, behind one interface."""
