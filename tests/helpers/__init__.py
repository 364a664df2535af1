"""What several tests, benches and their child processes share; the folder above has to be on sys.path."""
