//! What is said to a person who listens to their messages: `says = { menu = ["..."] }` in the node takes the place of one.

use crate::flow::steps::says::says;

says! {
    /// Asks for the extension.
    extension = ["mailbox-extension"],
    pin = ["mailbox-pin"],
    /// Apologises and asks for the extension again: which of the two was wrong is not told.
    wrong = ["sorry-again", "mailbox-extension"],
    /// The messages can't be read now.
    unread = ["trouble"],
    empty = ["mailbox-empty"],
    /// Before the number of new ones.
    new = ["mailbox-new"],
    /// Before the number of all.
    in_all = ["mailbox-in-all"],
    /// Before the number that it is from.
    from = ["mailbox-from"],
    withheld = ["mailbox-withheld"],
    /// In place of a recording: only a number was left.
    number_only = ["mailbox-number-only"],
    /// In place of a recording that can't be read.
    unreadable = ["mailbox-unreadable"],
    /// 1 again, 2 confirm, 3 delete, 4 forward, 5 next, 6 previous.
    menu = ["mailbox-menu"],
    confirmed = ["mailbox-done"],
    deleted = ["mailbox-done"],
    /// Asks for the extension to forward to.
    forward = ["mailbox-forward"],
    forward_again = ["sorry-again", "mailbox-forward"],
    /// Before the name, and after it: 1 right, 2 again.
    forward_to = ["mailbox-forward-to"],
    forward_confirm = ["confirm"],
    forwarded = ["mailbox-done"],
    /// After the last one: 1 from the beginning, 0 a human.
    last = ["mailbox-empty", "mailbox-last"],
    unsaved = ["trouble"],
}
