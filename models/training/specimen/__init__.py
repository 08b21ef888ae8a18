"""What the embedded model is made of and taught with."""
