"""The live application: everything between the engine and the panels. Main thread and worker meet here."""
