//! Checks of the machine that the server runs on.

use time::OffsetDateTime;

use super::{Found, error, ok, warn};
use crate::admin::{Subject, instant};

const DAY: i64 = 86_400;
/// Seconds by which the clock may be set without anybody minding: agents are corrected by more.
const JUMP: i64 = 60;

/// Goes through the writer and back: a server that answers this can change things.
pub(super) async fn store(subject: &Subject) -> Found {
    subject.state.ping().await?;
    ok("changes are taken")
}

pub(super) fn permissions(subject: &Subject) -> Found {
    match subject.state.others_may_read() {
        Ok(None) => ok("the data directory is its owner's alone"),
        Ok(Some(path)) => warn(format!(
            "others than the owner may use {}, where keys and what was decided lie",
            path.display()
        )),
        Err(reason) => error(format!("the data directory cannot be looked at: {reason}")),
    }
}

pub(super) fn disk_space(subject: &Subject) -> Found {
    let settings = subject.monitor.settings();
    let free = match subject.state.free_space() {
        Ok(free) => free,
        Err(reason) => return error(format!("the disk cannot be asked: {reason}")),
    };
    let text = format!("{} MB are left on the disk", free / 1_000_000);
    match free {
        free if free < settings.disk_error => error(text),
        free if free < settings.disk_warn => warn(text),
        _ => ok(text),
    }
}

/// Nobody tells this server the time, but it remembers what the clock has shown, and knows how long
/// it has been running.
pub(super) async fn clock(subject: &Subject) -> Found {
    let now = subject.state.now();
    let jumped = subject.monitor.clock_jumped(now);
    let synchronised = subject.upstream.history().await?.last().map(|run| run.ended);
    let heard = subject.state.computers().all().into_iter();
    let heard = heard.map(|tracked| tracked.statuses.received.max(tracked.computer.registered));
    if let Some(last) = heard.max().max(synchronised).filter(|last| *last > now + JUMP) {
        let (last, now) = (instant(last), instant(now));
        return error(format!(
            "the clock shows {}, and has shown {} before",
            now.unwrap_or_default(),
            last.unwrap_or_default()
        ));
    }
    if jumped.abs() > JUMP {
        return warn(format!("the clock was set by {jumped} seconds since this server started"));
    }
    ok(format!("the clock shows {}", instant(now).unwrap_or_default()))
}

pub(super) fn certificate(subject: &Subject) -> Found {
    let certificates =
        subject.monitor.listeners().and_then(|listeners| listeners.certificates.as_ref());
    let Some(certificates) = certificates else { return ok("nothing is served over TLS") };
    let Some(expires) = certificates.expires() else {
        return error("the certificate cannot be read");
    };
    judged(expires, subject.state.now(), subject.monitor.settings().certificate_days)
}

fn judged(expires: OffsetDateTime, now: i64, days: u32) -> Found {
    let left = expires.unix_timestamp() - now;
    let at = instant(expires.unix_timestamp()).unwrap_or_default();
    match left {
        left if left <= 0 => error(format!("the certificate expired at {at}")),
        left if left < i64::from(days) * DAY => {
            warn(format!("the certificate expires at {at}, in {} days", left / DAY))
        }
        _ => ok(format!("the certificate is valid until {at}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::CheckStatus::{Error, Ok as Fine, Warn};
    use super::*;

    #[test]
    fn a_certificate_is_warned_of_before_it_ends() {
        let expires = OffsetDateTime::from_unix_timestamp(100 * DAY).expect("a time");
        for (now, expected) in [
            (0, Fine),
            (79 * DAY, Fine),
            (79 * DAY + 1, Warn),
            (100 * DAY - 1, Warn),
            (100 * DAY, Error),
            (200 * DAY, Error),
        ] {
            let (status, text) = judged(expires, now, 21).expect("judged");
            assert_eq!(status, expected, "{text}");
        }
    }
}
