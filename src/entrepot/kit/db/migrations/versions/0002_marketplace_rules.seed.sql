-- The installation itself, as a platform: its limits hold for everybody who uses the API.
INSERT INTO marketplace.hm_platform (platform_code, name, description)
VALUES ('house', 'This installation', 'Stands for the installation itself: its limits hold for everybody who uses the API');
