"""The user interface: one module per panel, with templates and scripts."""
