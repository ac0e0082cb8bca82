DROP TABLE "giveaway_entry_attempts";
ALTER TABLE "user_balances" DROP CONSTRAINT "user_balances_balance_check";
ALTER TABLE "user_balances" DROP CONSTRAINT "user_balances_total_earned_check";
ALTER TABLE "user_balances" DROP CONSTRAINT "user_balances_total_spent_check";
ALTER TABLE "giveaways" DROP COLUMN "entry_count";
