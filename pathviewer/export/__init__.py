"""Export of feedback as reward data: folders of Parquet files for trainers."""
