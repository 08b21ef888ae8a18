"""Labels out as reward data: folders of Parquet that trainers take as they are."""
