"""Entry point of `python app.py` and of Hugging Face Spaces."""

if __name__ == "__main__":
    # imported here, since each child process of the server loads this file again
    from pathviewer.commands.main import serve_command

    serve_command()
