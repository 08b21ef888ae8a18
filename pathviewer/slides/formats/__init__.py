"""One module per library that opens slide files, behind the protocol `PyramidFile`."""
