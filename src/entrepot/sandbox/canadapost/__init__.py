"""An invented carrier that speaks the web services of Canada Post."""
