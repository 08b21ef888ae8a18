"""One module per library that opens slide files, all behind the protocol `PyramidFile`."""
