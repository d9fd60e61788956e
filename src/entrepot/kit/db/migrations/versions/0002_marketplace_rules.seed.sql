-- The installation itself, as a platform: its limits hold for everybody who uses the API.
INSERT INTO marketplace.hm_platform (platform_code, name, description)
VALUES ('house', 'This installation', 'Stands for the installation itself: its limits hold for everybody who uses the API');

-- What one person may ask of the API; an operator changes it like any other limit.
INSERT INTO marketplace.hm_limit_definition (platform_id, limit_key, resource_type, default_value, description, algorithm, reset_period, burst)
SELECT id, 'api.requests', 'API', 1200, 'Requests to the API, for each person', 'TOKEN_BUCKET', 'MINUTE', 300
FROM marketplace.hm_platform WHERE platform_code = 'house';
UPDATE marketplace.hm_limit_definition SET state = 'ACTIVE', published_at = now() WHERE limit_key = 'api.requests';
