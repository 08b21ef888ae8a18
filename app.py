"""Entry for `python app.py` and for Hugging Face Spaces: settings in, server up."""

from pathviewer.cli import serve_command

if __name__ == "__main__":
    serve_command()
