//! `lock` and `unlock`.

use airbyte_token_local::wire::LockReply;

use super::Daemon;
use crate::{
    failure::Failure,
    output::{self, shown},
};

pub(super) fn lock(daemon: &Daemon) -> Result<(), Failure> {
    output::text(&told(&daemon.reach()?.lock()?))
}

pub(super) fn unlock(daemon: &Daemon) -> Result<(), Failure> {
    output::text(&told(&daemon.reach()?.unlock()?))
}

fn told(LockReply { locked, lasting, forgotten }: &LockReply) -> String {
    let mut text = match locked {
        true => "locked: no tokens and no exchanges until `airbyte-token unlock`\n".to_owned(),
        false => "unlocked\n".to_owned(),
    };
    for name in forgotten {
        let name = shown(name);
        text += &format!(
            "{name}: its secret was in memory only and is forgotten; after the unlock run `airbyte-token login -p {name}`\n"
        );
    }
    if !lasting {
        text += "a restart of the daemon will undo this: its log says why the disk did not take it\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_locks_is_told_what_is_gone_and_what_a_restart_undoes() {
        let reply = LockReply { locked: true, lasting: false, forgotten: vec!["ci\u{1b}[2J".to_owned()] };
        let text = told(&reply);
        assert!(text.starts_with("locked: "), "{text}");
        assert!(text.contains("airbyte-token login -p ci"), "{text}");
        assert!(text.contains("a restart of the daemon will undo this"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
        assert_eq!(told(&LockReply { locked: false, lasting: true, forgotten: vec![] }), "unlocked\n");
    }
}
