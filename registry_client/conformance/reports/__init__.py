"""What a run found, for people and for programs: console, JUnit XML, JSON, and a page that is signed."""
