"""Publication: frames of observations in, the files of a release and of the site as bytes out. Writes nothing."""
