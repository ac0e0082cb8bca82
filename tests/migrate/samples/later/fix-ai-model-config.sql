BEGIN;
UPDATE bot_config SET ai_model = 'gpt-4o';
COMMIT;
