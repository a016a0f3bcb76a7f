//! Passwords: argon2id with 19 MiB and two passes, as OWASP recommends.

use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use super::random;
use super::record::PasswordRecord;
use crate::admin::AdminError;
use crate::state::StateError;

const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// Characters of a password: fewer are guessed, more are no passwords.
const LEAST: usize = 10;
const MOST: usize = 256;
/// Passwords worked on at once: each takes its memory and a processor, and whoever knocks can ask.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// What proves a password.
///
/// # Errors
/// When it is too short or too long.
pub async fn hash(password: &str) -> Result<PasswordRecord, AdminError> {
    if !(LEAST..=MOST).contains(&password.chars().count()) {
        let problem = format!("has to have {LEAST} to {MOST} characters");
        return Err(AdminError::invalid("password", problem));
    }
    let (salt, password) = (random()?, password.to_owned());
    let hash = worked_on(move || derived(&password, &salt, MEMORY, PASSES)).await?;
    Ok(PasswordRecord { salt, hash, memory: MEMORY, passes: PASSES })
}

/// Whether a password is the one that was recorded. Without a record it is not, after as long.
///
/// # Errors
/// When the server is stopping.
pub async fn fits(password: &str, record: Option<&PasswordRecord>) -> Result<bool, AdminError> {
    const NOBODY: PasswordRecord =
        PasswordRecord { salt: [0; 16], hash: [0; 32], memory: MEMORY, passes: PASSES };
    let known = record.is_some();
    let record = record.cloned().unwrap_or(NOBODY);
    // Longer ones are none, and nobody is to make us read megabytes.
    let password: String = password.chars().take(MOST + 1).collect();
    let fits = worked_on(move || {
        let hash = derived(&password, &record.salt, record.memory, record.passes);
        aws_lc_rs::constant_time::verify_slices_are_equal(&hash, &record.hash).is_ok()
    });
    Ok(fits.await? && known)
}

async fn worked_on<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AdminError> {
    let _turn = AT_ONCE.acquire().await.map_err(|_| StateError::Stopped)?;
    Ok(tokio::task::spawn_blocking(work).await.map_err(|_| StateError::Stopped)?)
}

/// Zeroes, which no password has, where the parameters of a record are impossible.
fn derived(password: &str, salt: &[u8], memory: u32, passes: u32) -> [u8; 32] {
    let mut hash = [0; 32];
    if let Ok(parameters) = Params::new(memory, passes, 1, Some(hash.len())) {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
        let made = argon2.hash_password_into(password.as_bytes(), salt, &mut hash);
        if made.is_err() {
            hash = [0; 32];
        }
    }
    hash
}
