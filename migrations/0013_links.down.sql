-- Takes away that a member has one account at a time, on both databases, and how often he asks for addresses. The program
-- before makes no second link either.
ALTER TABLE link_requests DROP COLUMN asked_in_a_row;
DROP INDEX links_member_open;
