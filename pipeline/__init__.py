"""Fraud-loss statistics, from publishers' files to published summaries. Start reading at `pipeline.steps`."""
