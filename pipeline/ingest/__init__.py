"""Deliveries become snapshots; a reader's figures become observations with common codes."""
