"""The page: one module a panel, with templates and scripts."""
