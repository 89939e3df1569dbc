-- What was expected of a call when it was ordered, in millionths of a US dollar, as all below.
ALTER TABLE ledger ADD COLUMN quoted INTEGER;

-- What each record holds of the budgets. It outlives its record, and names nobody: "whose" is a
-- digest of the user's id.
CREATE TABLE reservations (
    record_id TEXT PRIMARY KEY,
    whose     TEXT NOT NULL,
    at        REAL NOT NULL,     -- when the record was made: the month that it counts in
    reserved  INTEGER NOT NULL,  -- still to be sent, or of unknown fate
    spent     INTEGER NOT NULL   -- accepted by vendors
) WITHOUT ROWID;
CREATE INDEX reservations_by_time ON reservations (at);
CREATE INDEX reservations_of_user ON reservations (whose, at);
