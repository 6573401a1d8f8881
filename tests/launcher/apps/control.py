WHOSE = "the app's"
