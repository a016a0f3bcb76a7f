//! What happens when our own code is wrong: the process says so and ends.
//!
//! A panic unwinds one thread or task, and tokio goes on without it: without the task that takes
//! connections, or with a lock that guards half a change. What is left looks alive and is in a
//! state that nobody thought of. So the process aborts, and its supervisor starts it again; what
//! was acknowledged is durable by then.
//!
//! There is one exception. Some foreign code panics on damaged input where it ought to return an
//! error. It is run [`contained`], which makes an error of the panic.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Contained code panicked. The hook has logged where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an internal error; the log says where, please report it")]
pub struct Panicked;

thread_local! {
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`, whose panic is the fault of its input and ends only `work`.
///
/// # Errors
/// When it panicked. What it was changing then is in no known state and has to be dropped.
pub fn contained<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    let before = CONTAINED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    CONTAINED.set(before);
    outcome.map_err(|_| Panicked)
}

/// From now on a panic is logged with the version, the place and a backtrace, and ends the process
/// unless it is contained.
pub fn abort_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("unnamed");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let reason = reason(panic.payload());
        if CONTAINED.get() {
            tracing::warn!(%place, thread, reason, "damaged input made its reader panic");
            return;
        }
        let version = env!("CARGO_PKG_VERSION");
        let backtrace = Backtrace::force_capture();
        // Before logging is set up, and where its filter drops errors, the message is needed too.
        if tracing::enabled!(tracing::Level::ERROR) {
            tracing::error!(%place, thread, version, %backtrace, "panicked: {reason}");
        } else {
            eprintln!("weir {version}: thread '{thread}' panicked at {place}: {reason}");
            eprintln!("{backtrace}");
        }
        std::process::abort();
    }));
}

fn reason(payload: &(dyn Any + Send)) -> &str {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "no message",
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    use super::*;

    /// Makes of the test below the process that panics.
    const CHILD: &str = "WEIR_TEST_PANIC";

    #[test]
    fn a_panic_ends_the_process_with_its_place_unless_it_is_contained() {
        if std::env::var_os(CHILD).is_some() {
            abort_on_panic();
            let contained = contained(|| panic!("the input is damaged"));
            assert_eq!(contained, Err(Panicked));
            eprintln!("goes on");
            // Its join would swallow the panic, as tokio does.
            drop(std::thread::spawn(|| panic!("our bug")).join());
            eprintln!("never printed");
            return;
        }
        let name = "panics::tests::a_panic_ends_the_process_with_its_place_unless_it_is_contained";
        let child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", name, "--nocapture"])
            .env(CHILD, "yes")
            .output()
            .expect("a child");
        let said = String::from_utf8_lossy(&child.stderr);
        assert_eq!(child.status.signal(), Some(6), "{said}");
        assert!(said.contains("goes on") && !said.contains("never printed"), "{said}");
        for told in [env!("CARGO_PKG_VERSION"), "src/panics.rs:", "our bug"] {
            assert!(said.contains(told), "{told} in {said}");
        }
    }

    #[test]
    fn containment_ends_with_the_work_and_nests() {
        assert_eq!(contained(|| contained(|| panic!("inner"))), Ok(Err::<(), _>(Panicked)));
        assert!(!CONTAINED.get());
        assert_eq!(contained(|| 7), Ok(7));
    }
}
