//! No bytes are a cookie unless this server sealed them, and what it sealed it opens.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use weir::services::cookie::{AuthorizationState, Keyring};

static KEYRING: LazyLock<Keyring> = LazyLock::new(|| Keyring::generate(0));

/// Bytes of a cookie before its ciphertext.
const HEAD: usize = 38;

fuzz_target!(|data: &[u8]| {
    assert!(KEYRING.open_session_any_age(data).is_err());
    assert!(KEYRING.open_authorization(data, 0).is_err());

    let Some((&[at, flip], text)) = data.split_first_chunk() else { return };
    let state = AuthorizationState {
        client_id: String::from_utf8_lossy(text).into_owned(),
        dns_name: "pc".into(),
        target_group: String::new(),
    };
    let Ok(mut cookie) = KEYRING.seal_authorization(&state, 1) else { return };
    assert_eq!(KEYRING.open_authorization(&cookie, 0), Ok(state));
    let headed = [&cookie[..HEAD], text].concat();
    assert!(KEYRING.open_authorization(&headed, 0).is_err());
    let at = usize::from(at) % cookie.len();
    cookie[at] ^= flip | 1;
    assert!(KEYRING.open_authorization(&cookie, 0).is_err());
});
