"""The batch: departments' files to lake, lake to snapshot, snapshot to store."""
