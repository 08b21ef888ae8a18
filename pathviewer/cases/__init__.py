"""Import of cases: a table that assigns slides to patients and describes them."""
