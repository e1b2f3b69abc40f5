//! The list of actions: everything that a key or a `:` command can do. Keymap, help, completion and the README's table
//! are made from it, so that none of them can forget one.

/// Where an action has a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    /// On every screen.
    Everywhere,
    /// Wherever something can be moved through.
    Move,
    /// The list of applications.
    Applications,
    /// One application.
    Application,
    /// Where an application is chosen: the list, or its own screens.
    Target,
    /// What there is to be read about a chosen application.
    About,
    /// A list about one application: its commits, resources, operations, events.
    Page,
    /// The queue of what waits for a person.
    Approvals,
    /// A text: a difference, YAML, a commit.
    Text,
    /// The log view.
    Log,
    /// A dialog.
    Dialog,
}

impl Context {
    /// All, in the order in which help shows them.
    pub const ALL: [Self; 11] = [
        Self::Move,
        Self::Target,
        Self::About,
        Self::Applications,
        Self::Application,
        Self::Approvals,
        Self::Page,
        Self::Text,
        Self::Log,
        Self::Dialog,
        Self::Everywhere,
    ];

    /// Heading in the help.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Everywhere => "Everywhere",
            Self::Move => "Moving",
            Self::Applications => "List of applications",
            Self::Application => "One application",
            Self::Target => "Acting on an application",
            Self::About => "Looking closer",
            Self::Page => "Commits, resources, history, events",
            Self::Approvals => "Approvals",
            Self::Text => "Difference, YAML, commit",
            Self::Log => "Log",
            Self::Dialog => "Dialogs",
        }
    }
}

/// One row of the list.
#[derive(Debug, Clone, Copy)]
pub struct ActionInfo {
    /// The action.
    pub action: Action,
    /// Its name, in the keymap and after `:`.
    pub name: &'static str,
    /// Where it has a meaning.
    pub context: Context,
    /// Its keys, unless the configuration says otherwise.
    pub keys: &'static [&'static str],
    /// What it does.
    pub help: &'static str,
}

macro_rules! actions {
    ($($context:ident { $($action:ident $name:literal [$($key:literal),*] $help:literal;)* })*) => {
        /// Something that a key or a command can do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "each is explained in the list, which is also what the help shows")]
        pub enum Action { $($($action,)*)* }

        impl Action {
            /// The list.
            pub const LIST: &'static [ActionInfo] = &[$($(ActionInfo {
                action: Action::$action,
                name: $name,
                context: Context::$context,
                keys: &[$($key),*],
                help: $help,
            },)*)*];
        }
    };
}

actions! {
    Move {
        Down "down" ["j", "down"] "the next row";
        Up "up" ["k", "up"] "the row before";
        HalfDown "half-page-down" ["ctrl-d"] "half a page down";
        HalfUp "half-page-up" ["ctrl-u"] "half a page up";
        PageDown "page-down" ["pagedown", "ctrl-f"] "a page down";
        PageUp "page-up" ["pageup", "ctrl-b"] "a page up";
        Top "top" ["g", "home"] "the first row";
        Bottom "bottom" ["G", "end"] "the last row";
    }
    Target {
        Sync "sync" ["s"] "sync: choose revision and options, see the plan, then send";
        Abort "abort" ["x"] "end the running operation, or fail its hook";
        Retry "retry" ["r"] "repeat the last operation at its revision";
        Rerun "rerun-hook" ["R"] "run one hook again, outside of any operation";
        Approve "approve" ["a"] "approve what waits for a person: a reviewed sync, a prune, a deletion";
        Rollback "rollback" ["b"] "deploy again what was deployed before";
        Resume "resume" ["C"] "go on where the operation failed (boathook's engine only)";
        AutoSync "auto-sync" ["T"] "switch automated sync on or off";
        Repair "repair" [] "declare an operation failed that its controller has left behind";
        Refresh "refresh" ["ctrl-r"] "compare with Git again";
        HardRefresh "hard-refresh" [] "compare with Git again, manifests rendered anew";
        Logs "logs" ["l"] "the log of the hook that is selected, or that matters most";
    }
    About {
        Git "git" ["c"] "commits between what is deployed and what is wanted, files, objects that change";
        Diff "diff" ["d"] "what a sync would change in the manifests";
        Resources "resources" ["v"] "the application's resources with their health";
        Yaml "yaml" ["y"] "the selected object as it lives; values of Secrets are hidden";
        History "history" ["h"] "earlier operations, how long their hooks took, and their logs";
        Events "events" ["e"] "Kubernetes Events about the application";
        Approvals "approvals" ["A"] "everything that waits for a person, one after another";
        Fetch "fetch" [] "fetch the application's repositories now";
    }
    Applications {
        Open "open" ["enter"] "look at the application";
        Filter "filter" ["/"] "show some: text, !text, -l label=value, -p project, faults";
        Mark "mark" ["space"] "mark it: what acts on an application acts on all that are marked";
        MarkAll "mark-all" ["ctrl-a"] "mark all that are shown, or none";
        SortNext "sort-next" [">"] "sort by the next column";
        SortPrevious "sort-previous" ["<"] "sort by the column before";
        SortReverse "sort-reverse" ["o"] "sort the other way round";
        Faults "faults" ["f"] "show only what needs somebody, or everything";
    }
    Application {
        NextPanel "next-panel" ["right", "tab"] "the next phase";
        PreviousPanel "previous-panel" ["left", "backtab"] "the phase before";
        Follow "follow" ["f", "F"] "follow the running hook again";
        OpenLog "open-log" ["enter"] "the log of the selected hook, or the resource as it lives";
    }
    Page {
        PageOpen "page-open" ["enter"] "look at the selected row: commit, difference, operation, log";
        PageMark "page-mark" ["space"] "mark a resource: sync then acts on the marked ones only";
        PageFilter "page-filter" ["/"] "show the rows that contain a text, or !text";
    }
    Approvals {
        ApprovalOpen "approval-open" ["enter"] "look at the application";
        Defer "defer" ["z"] "put it off with a note, until its target moves";
        TakeBack "take-back" ["Z"] "ask for it again";
    }
    Text {
        TextSearch "text-search" ["/"] "search in the text";
        TextNext "text-next" ["n"] "the next match";
        TextPrevious "text-previous" ["N"] "the match before";
        TextSave "text-save" ["ctrl-s"] "save the text to a file";
    }
    Log {
        LogFollow "log-follow" ["f", "F", "p"] "follow the end, or pause (nothing is lost)";
        LogWrap "log-wrap" ["w"] "wrap long lines";
        LogTimes "log-times" ["t"] "show when each line was written";
        LogSearch "log-search" ["/"] "search in everything that was captured";
        LogFilter "log-filter" ["&"] "show only the lines that contain a text, or !text";
        LogNext "log-next" ["n"] "the next match";
        LogPrevious "log-previous" ["N"] "the match before";
        LogError "log-error" ["e"] "the next line that looks like an error";
        LogErrorBefore "log-error-before" ["E"] "the error before";
        LogSource "log-source" ["c"] "one container after another, or all";
        LogAttempts "log-attempts" ["A"] "all attempts of the operation, or the last";
        LogAll "log-all" ["0"] "all lines";
        Log1m "log-1m" ["1"] "the last minute";
        Log5m "log-5m" ["2"] "the last 5 minutes";
        Log15m "log-15m" ["3"] "the last 15 minutes";
        Log1h "log-1h" ["4"] "the last hour";
        Log6h "log-6h" ["5"] "the last 6 hours";
        Log24h "log-24h" ["6"] "the last 24 hours";
        LogSave "log-save" ["ctrl-s"] "save what was captured to a file";
    }
    Dialog {
        FieldNext "field-next" ["tab", "down", "right"] "the next field or button";
        FieldPrevious "field-previous" ["backtab", "up", "left"] "the field or button before";
        Press "press" ["enter", "space"] "press the button, switch the option";
        OfferNext "offer-next" ["ctrl-n"] "the next branch, tag or commit that fits";
        OfferPrevious "offer-previous" ["ctrl-p"] "the one before";
        ShowWrite "show-write" ["ctrl-v"] "show exactly what is sent to the cluster";
        ScrollDown "scroll-down" ["pagedown", "ctrl-d"] "scroll the text";
        ScrollUp "scroll-up" ["pageup", "ctrl-u"] "scroll the text back";
        Cancel "cancel" ["esc"] "close the dialog; nothing is sent";
    }
    Everywhere {
        Help "help" ["?", "f1"] "what can be done here, and why not";
        Command "command" [":"] "do anything by its name";
        Requests "requests" ["m"] "what was sent in this session, and what came of it";
        Messages "messages" ["M"] "what boathook has said, and its own log";
        Copy "copy" ["Y"] "copy what is selected, or what is on the screen of a log";
        Back "back" ["esc"] "back to where you came from";
        Close "close" ["q"] "back; on the first screen: end boathook";
        Theme "theme" [] "use another theme: theme NAME";
        Suspend "suspend" ["ctrl-z"] "go to the background, as other programs do";
        Redraw "redraw" ["ctrl-l"] "draw everything anew";
        Quit "quit" ["ctrl-c"] "end boathook; operations in the cluster go on";
    }
}

impl Action {
    /// Its row of the list.
    pub fn info(self) -> &'static ActionInfo {
        // The list is made from the same lines as the enum, in the same order.
        let row = Self::LIST.iter().find(|info| info.action == self);
        row.unwrap_or(&Self::LIST[0])
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// The action with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::LIST.iter().find(|info| info.name == name).map(|info| info.action)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_every_action_has_its_own_row() {
        let names: BTreeSet<_> = Action::LIST.iter().map(|info| info.name).collect();
        assert_eq!(names.len(), Action::LIST.len());
        for info in Action::LIST {
            assert_eq!(info.action.info().name, info.name);
            assert_eq!(Action::named(info.name), Some(info.action));
        }
    }
}
