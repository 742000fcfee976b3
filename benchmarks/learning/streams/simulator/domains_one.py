"""Words of the first six domains: per problem its things, its signs and its remedies."""

from __future__ import annotations

from benchmarks.learning.streams.simulator.wordlists import Words, words

DOMAINS: dict[str, tuple[Words, ...]] = {
    "spreadsheets": (
        words(
            "the customer list; the supplier price file; the survey export; the stock ledger",
            "shows broken accents in every name; has question marks where umlauts were; "
            "looks garbled after opening; displays odd symbols in place of letters; "
            "turned all special characters into rubbish",
            "convert the file to UTF-8; choose the code page by hand while importing; "
            "strip every character outside ASCII; export it again from the source; "
            "replace the wrong characters by a table",
        ),
        words(
            "the article numbers; the postal codes; the account column; the phone list",
            "lost the zeros at the front; came out shorter than typed; "
            "turned into numbers with an exponent; came back without the leading digits; "
            "got cut at the left side",
            "read the column as text; pad the values to a fixed length; "
            "put an apostrophe before each value; change the cell format afterwards; "
            "keep the codes in a second file",
        ),
        words(
            "the monthly total; the sum of the orders; the balance sheet; the budget table",
            "is a cent off; does not add up to the printed figure; "
            "differs from the bank by a rounding; disagrees slightly with the invoice sums; "
            "comes out marginally wrong",
            "count in whole cents; round only the last figure; round each line first; "
            "use decimal arithmetic; book the difference on its own line",
        ),
        words(
            "the pivot report; the merged workbook; the lookup sheet; the quarterly summary",
            "counts some rows twice; lists the same client again and again; "
            "contains every order two times; is inflated by repeated entries; "
            "shows duplicates that nobody entered",
            "join on the full key; delete the doubles after merging; group before joining; "
            "add a unique index; take the newest row of each key",
        ),
    ),
    "databases": (
        words(
            "the orders table; the nightly job; the booking service; the ledger update",
            "waits forever for a lock; is stuck behind another transaction; "
            "blocks until it times out; hangs while somebody else holds the rows; "
            "never gets its turn to write",
            "set a short lock timeout; kill the oldest session; split the update into batches; "
            "lower the isolation level; take the locks in a fixed order",
        ),
        words(
            "the search query; the customer overview; the audit view; the dashboard",
            "takes minutes to answer; scans the whole table each time; "
            "became slow after the last import; crawls as soon as data grows; "
            "needs ages for a single page",
            "create a fitting index; refresh the planner statistics; cache the answer for an hour; "
            "rewrite the query without a subselect; partition the table by month",
        ),
        words(
            "the read replica; the reporting copy; the standby server; the mirror",
            "is hours behind; shows yesterday's state; lags after each bulk load; "
            "serves outdated rows; cannot keep up with the primary",
            "throttle the bulk load; read important rows from the primary; "
            "rebuild the copy from a fresh dump; add replication workers; compress the log",
        ),
        words(
            "the schema change; the new column; the migration; the type conversion",
            "locks everybody out; fails half-way through; leaves old rows without a value; "
            "breaks the version still running; stops in the middle on real data",
            "add it nullable and fill it later; run it in one transaction; "
            "copy into a new table and swap; take the service down for it; "
            "hide it behind a view first",
        ),
    ),
    "web services": (
        words(
            "the payment call; the booking request; the order endpoint; the refund",
            "is carried out twice; charged the client two times; "
            "repeats itself after a timeout; ran again although the first one worked; "
            "created a second record on retry",
            "send an idempotency key; switch retries off; look for a recent equal order; "
            "queue the request behind one worker; confirm in two steps",
        ),
        words(
            "the login; the session; the access token; the single sign-on",
            "ends in the middle of work; throws people out after some minutes; "
            "is refused although it was just issued; expires far too early; "
            "stops being accepted at random",
            "renew it shortly before it ends; allow for a clock difference; "
            "lengthen its lifetime; store it on the server; sign with one shared key",
        ),
        words(
            "the upload; the attachment form; the image import; the document intake",
            "breaks off with large files; ends in a gateway error; "
            "stalls at ninety per cent; dies when the picture is big; "
            "never finishes for heavy documents",
            "send the file in chunks; raise the proxy's body limit; "
            "let the client upload straight to storage; shrink the file first; "
            "lengthen the read timeout",
        ),
        words(
            "the partner interface; the product feed; the weather service; the exchange-rate call",
            "answers with too many requests; shut us out for an hour; "
            "drops calls at peak time; refuses us because of its quota; "
            "limits how often we may ask",
            "wait longer after each refusal; keep answers for a while; "
            "spread the calls over the hour; ask for many objects at once; open a second account",
        ),
    ),
    "calendars": (
        words(
            "the reminder; the meeting invitation; the shift plan; the daily alarm",
            "comes an hour late; is off since the clocks changed; "
            "arrives at the wrong time in summer; slipped by sixty minutes; "
            "no longer fits the local hour",
            "store the zone's name with the time; store the offset with the time; "
            "compute in UTC only; move the entries twice a year; ask for the viewer's zone",
        ),
        words(
            "the billing period; the subscription; the rent; the contract term",
            "skips February; ends on a day that does not exist; "
            "drifts to an earlier day each month; is charged on the wrong date; "
            "forgets the end of the month",
            "keep the first day as anchor; add thirty days each time; "
            "always bill on the first; clamp to the last day; count in weeks",
        ),
        words(
            "the import of birthdays; the date column; the flight list; the delivery note",
            "swaps day and month; reads the third of April as March; "
            "guesses the date format wrongly; confuses American and European dates; "
            "mixes up the order of the date parts",
            "demand ISO dates; look for a day above twelve; fix one format per sender; "
            "ask when it is ambiguous; let a library guess",
        ),
        words(
            "the cron job; the weekly export; the clean-up run; the backup window",
            "ran twice in autumn; was skipped one night in spring; "
            "starts while the last one is running; overlaps with itself; "
            "got executed two times in a night",
            "schedule it in UTC; hold a lock while it runs; avoid the hour after two; "
            "remember the last run; make the job repeatable",
        ),
    ),
    "deployment": (
        words(
            "the container; the image; the build; the service package",
            "works here and not on the server; starts only on my machine; "
            "misses a library in production; behaves differently after release; "
            "cannot be run anywhere else",
            "pin every version; copy the machine's packages; build inside a clean image; "
            "link the libraries statically; install from a mirror at start",
        ),
        words(
            "the new release; the rollout; the hotfix; the feature branch",
            "took the site down; produces errors for every tenth visitor; "
            "had to be stopped at noon; makes users see failures; "
            "hurts part of the traffic",
            "send a small share of traffic first; roll back at once; "
            "switch it off by a flag; repair it in place; add more instances",
        ),
        words(
            "the certificate; the domain; the encrypted mail; the internal proxy",
            "is rejected as untrusted; expired overnight; "
            "gives a warning in browsers; fails the handshake; "
            "no longer passes verification",
            "renew it by a timer; ship the whole chain; trust it by hand on each client; "
            "shorten its lifetime; put a proxy with its own certificate before it",
        ),
        words(
            "the configuration; the password file; the environment settings; the secret store",
            "ended up in the repository; is readable by everybody; "
            "got printed in the log; leaked with a screenshot; "
            "was sent around in plain text",
            "exchange it for a new one; rewrite the history; encrypt it in place; "
            "restrict who may read; move it to a vault",
        ),
    ),
    "networking": (
        words(
            "the office link; the video call; the remote desktop; the file share",
            "drops every few minutes; freezes again and again; "
            "is cut as soon as somebody uploads; keeps losing the connection; "
            "falls out several times an hour",
            "lower the packet size; give the traffic priority; "
            "change the radio channel; replace the cable; limit the upload rate",
        ),
        words(
            "the name lookup; the internal host; the new server; the printer address",
            "is not found by half of us; still leads to the old machine; "
            "resolves to nothing from home; points somewhere outdated; "
            "gives different answers to different people",
            "shorten the record's lifetime; flush the caches; add a fixed host entry; "
            "ask another resolver; publish it in both zones",
        ),
        words(
            "the firewall; the tunnel; the remote site; the guest network",
            "lets nothing through since yesterday; blocks one program only; "
            "swallows large answers; silently discards some packets; "
            "stopped forwarding part of the traffic",
            "open the single port; log what is refused; lower the segment size; "
            "turn inspection off; restart it with the saved rules",
        ),
        words(
            "the load balancer; the cluster; the gateway; the web farm",
            "sends everything to one machine; prefers a dead node; "
            "loses sessions when a server stops; spreads the work unevenly; "
            "keeps using a broken member",
            "check the health more often; pin users to a node; "
            "drain the node before stopping; balance by open connections; keep state outside",
        ),
    ),
}
