"""Reading inputs as blocks of rows, ids, and writing the output directory."""
