"""HTTP routes, and named Gradio endpoints for scripts."""
