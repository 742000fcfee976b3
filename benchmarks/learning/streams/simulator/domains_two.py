"""Words of the other six domains: per problem its things, its signs and its remedies."""

from __future__ import annotations

from benchmarks.learning.streams.simulator.wordlists import Words, words

DOMAINS: dict[str, tuple[Words, ...]] = {
    "machine learning": (
        words(
            "the classifier; the ranking model; the demand forecast; the fraud detector",
            "is excellent in training and poor in use; learned the noise; "
            "fails on fresh examples; does well only on what it has seen; "
            "cannot generalise to new cases",
            "stop training earlier; penalise large weights; collect more examples; "
            "make the model smaller; average several models",
        ),
        words(
            "the training run; the fine-tuning; the language model; the vision network",
            "ends with a loss that is not a number; explodes after some steps; "
            "suddenly diverges; jumps to infinity; blows up in the first epoch",
            "lower the learning rate; clip the gradients; warm the rate up; "
            "train in full precision; normalise the inputs",
        ),
        words(
            "the rare class; the defect detector; the alarm model; the churn score",
            "is never predicted; drowns among normal cases; "
            "gets ignored by the model; is overlooked each time; "
            "has almost no recall",
            "weight the classes; sample the rare cases more often; move the threshold; "
            "generate artificial cases; train on the rare class alone",
        ),
        words(
            "the evaluation; the test score; the benchmark; the validation result",
            "is too good to be true; saw the answers beforehand; "
            "mixes training and test data; promises more than users notice; "
            "contains leaked information",
            "split by time; split by customer; remove doubles before splitting; "
            "drop the suspicious column; keep a last untouched set",
        ),
    ),
    "documents": (
        words(
            "the scanned invoice; the photographed receipt; the old contract; the fax",
            "cannot be read by machine; yields nonsense after recognition; "
            "loses half of its text; comes back with wrong letters; "
            "is recognised badly",
            "straighten the page first; scan it at a higher resolution; "
            "tell the language beforehand; turn it black and white; type it in by hand",
        ),
        words(
            "the printed report; the brochure; the certificate; the form",
            "has its last line cut off; breaks in the middle of a table; "
            "looks different on paper; shifts its layout on another computer; "
            "does not fit the sheet",
            "embed the fonts; set the page size; scale it to the sheet; "
            "keep table rows together; export it as an image",
        ),
        words(
            "the shared draft; the manual; the specification; the minutes",
            "was overwritten by a colleague; exists in five versions; "
            "lost a day of changes; contains somebody else's older text; "
            "fell back to an earlier state",
            "lock it while editing; merge paragraph by paragraph; name one owner; "
            "restore the last version; work with tracked changes",
        ),
        words(
            "the mail merge; the letter series; the label print; the newsletter",
            "addresses people by the wrong name; mixes up the recipients; "
            "leaves placeholders in the text; greets everyone as somebody else; "
            "puts fields in the wrong place",
            "test with three records; sort the source first; bind fields by name; "
            "print in small batches; check a sample by eye",
        ),
    ),
    "mobile apps": (
        words(
            "the phone app; the map screen; the chat; the scanner app",
            "empties the battery; makes the device hot; "
            "keeps working in the background; drains power overnight; "
            "uses energy even when closed",
            "ask for the position less often; stop timers in the background; "
            "gather network calls; use push in place of polling; dim the animation",
        ),
        words(
            "the start screen; the photo list; the settings page; the basket",
            "stutters while scrolling; reacts late to touches; "
            "freezes for a second; feels sluggish on older phones; "
            "skips frames",
            "load pictures lazily; move work off the main thread; recycle the rows; "
            "reduce the layers; preload the next page",
        ),
        words(
            "the offline mode; the sync; the field app; the draft storage",
            "loses entries made without network; overwrites newer data; "
            "shows conflicts after each trip; forgets what was typed on the way; "
            "brings old values back",
            "keep a queue of changes; let the last writer win; "
            "merge field by field; ask the user on conflict; forbid edits while offline",
        ),
        words(
            "the push message; the badge; the alarm notice; the reminder banner",
            "never arrives on some phones; comes hours later; "
            "is shown twice; reaches only half of the users; "
            "stays away after an update",
            "register the token at each start; raise its priority; "
            "collapse equal messages; send a silent one first; ask for the permission again",
        ),
    ),
    "security": (
        words(
            "the mailbox; the admin account; the customer login; the build server",
            "was entered by a stranger; shows logins from abroad; "
            "sends mails nobody wrote; is used by an unknown person; "
            "has been taken over",
            "revoke every session; reset the password; demand a second factor; "
            "freeze the account; block the foreign addresses",
        ),
        words(
            "the search form; the comment field; the report filter; the import page",
            "runs whatever is typed in; can be tricked by a quote; "
            "shows foreign records for odd input; executes code from visitors; "
            "lets input change the query",
            "bind the parameters; escape the output; allow known values only; "
            "reject quotes; run with fewer rights",
        ),
        words(
            "the dependency; the plugin; the base image; the parser library",
            "has a known hole; was reported vulnerable; "
            "is flagged by the scanner; contains a published weakness; "
            "needs a patch that does not exist yet",
            "update to the fixed release; take the feature out; shield it by a proxy; "
            "patch a private copy; accept and watch it",
        ),
        words(
            "the public page; the interface; the login form; the shop",
            "is flooded with requests; gets thousands of guesses; "
            "suffers from bots; is hammered by scripts; "
            "drowns in automated traffic",
            "limit the rate per address; ask for a captcha; answer more slowly; "
            "block whole networks; cache the page at the edge",
        ),
    ),
    "hardware": (
        words(
            "the workstation; the rack server; the laptop; the measuring computer",
            "restarts by itself; goes off under load; "
            "hangs after an hour; switches off without a message; "
            "reboots at random",
            "clean the fans; replace the power supply; test the memory; "
            "lower the clock; update the firmware",
        ),
        words(
            "the external disk; the storage array; the memory card; the tape",
            "reports bad sectors; became very slow; "
            "disappears during copying; clicks and stalls; "
            "returns read errors",
            "copy what is readable first; change the cable; run the repair tool; "
            "rewrite every sector; put it in another machine",
        ),
        words(
            "the label printer; the plotter; the office printer; the receipt printer",
            "prints blank pages; jams at the same spot; "
            "leaves strips on paper; pulls several sheets; "
            "produces pale output",
            "clean the head; calibrate the sensor; change the driver; "
            "use heavier paper; replace the roller",
        ),
        words(
            "the temperature sensor; the scale; the flow meter; the camera",
            "delivers jumping values; is off by a constant; "
            "drifts during the day; gives noisy readings; "
            "shows impossible figures",
            "calibrate at two points; average ten readings; shield the cable; "
            "warm it up first; drop values out of range",
        ),
    ),
    "programming": (
        words(
            "the worker; the parser; the game loop; the simulation",
            "eats more and more memory; is killed after a day; "
            "grows until it is stopped; never gives memory back; "
            "leaks with each request",
            "bound the cache; take a heap profile; restart it each night; "
            "close what was opened; break the reference cycles",
        ),
        words(
            "the test suite; the integration test; the pipeline; the smoke test",
            "fails only sometimes; is red on every third run; "
            "passes when run alone; depends on the order; "
            "gives changing results",
            "fix the random seed; wait for the event; isolate the state; "
            "repeat it up to three times; run it with a fake clock",
        ),
        words(
            "the thread pool; the async handler; the counter; the shared cache",
            "hangs once in a while; waits for itself; "
            "loses updates; gets stuck with two users; "
            "produces results that depend on timing",
            "use one lock for all; pass messages; make the data immutable; "
            "acquire with a timeout; do the work in one thread",
        ),
        words(
            "the old module; the price calculation; the import routine; the report code",
            "breaks whenever it is touched; nobody understands any more; "
            "has side effects everywhere; resists every change; "
            "falls apart after small edits",
            "pin its behaviour with tests; rewrite it from scratch; "
            "extract one function at a time; wrap it behind an interface; delete what is unused",
        ),
    ),
}
