"""What the status branch says, as values: the document, the page, the events. Pure: no disk, no git, no clock."""
