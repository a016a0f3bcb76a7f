//! Everything that can be done to a cookie on its way, and what comes of it.

use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_700_000_000;
const HOUR: i64 = 3600;

// Where the fields of a cookie are.
const KIND: usize = 5;
const SERVER_ID: std::ops::Range<usize> = 6..22;
const HEAD: usize = 38;

fn authorization() -> AuthorizationState {
    AuthorizationState {
        client_id: "3f1bd0b5-9c9b-4b8f-9f0e-5f5e9f1f2a3b".into(),
        dns_name: "pc-17.example.org".into(),
        target_group: "Pilot".into(),
    }
}

fn session() -> SessionState {
    let AuthorizationState { client_id, dns_name, target_group } = authorization();
    SessionState {
        client_id,
        dns_name,
        target_group,
        protocol: ProtocolVersion { major: 2, minor: 90 },
        config_change: 1_700_000_000,
        software_watermark: 4711,
        driver_watermark: 4700,
        view: 0xfeed_face_cafe_beef,
        round: 3,
        timeline: uuid::Uuid::from_u128(5),
    }
}

fn sealed(keyring: &Keyring) -> Vec<u8> {
    keyring.seal_session(&session(), NOW + HOUR).unwrap()
}

#[test]
fn opens_what_it_sealed() {
    let keyring = Keyring::generate(NOW);
    assert_eq!(keyring.open_session(&sealed(&keyring), NOW).map(|(state, _)| state), Ok(session()));
    let cookie = keyring.seal_authorization(&authorization(), NOW + HOUR).unwrap();
    assert_eq!(keyring.open_authorization(&cookie, NOW), Ok(authorization()));
}

#[test]
fn says_nothing_and_never_the_same_twice() {
    let keyring = Keyring::generate(NOW);
    let (first, second) = (sealed(&keyring), sealed(&keyring));
    assert_ne!(first[HEAD..], second[HEAD..]);
    assert!(!first.windows(5).any(|bytes| bytes == b"pc-17"));
}

#[test]
fn a_single_changed_bit_is_noticed() {
    let keyring = Keyring::generate(NOW);
    let cookie = sealed(&keyring);
    for bit in 0..cookie.len() * 8 {
        let mut changed = cookie.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let expected = match bit / 8 {
            0..KIND => CookieError::Malformed,
            KIND => CookieError::WrongKind,
            at if SERVER_ID.contains(&at) => CookieError::Foreign,
            _ => CookieError::Forged,
        };
        assert_eq!(keyring.open_session(&changed, NOW), Err(expected), "bit {bit}");
        assert_eq!(keyring.open_session_any_age(&changed), Err(expected), "bit {bit}");
    }
}

#[test]
fn a_cookie_of_another_length_is_refused() {
    let keyring = Keyring::generate(NOW);
    let cookie = sealed(&keyring);
    for length in 0..cookie.len() {
        let error = keyring.open_session(&cookie[..length], NOW).unwrap_err();
        let expected =
            if length < HEAD + MAX_TAG_LEN { CookieError::Malformed } else { CookieError::Forged };
        assert_eq!(error, expected, "cut to {length}");
    }
    let longer = [&cookie[..], b"\0"].concat();
    assert_eq!(keyring.open_session(&longer, NOW), Err(CookieError::Forged));
}

#[test]
fn kinds_are_not_interchangeable() {
    let keyring = Keyring::generate(NOW);
    let session = sealed(&keyring);
    let authorization = keyring.seal_authorization(&authorization(), NOW + HOUR).unwrap();
    assert_eq!(keyring.open_session(&authorization, NOW), Err(CookieError::WrongKind));
    assert_eq!(keyring.open_session_any_age(&authorization), Err(CookieError::WrongKind));
    assert_eq!(keyring.open_authorization(&session, NOW), Err(CookieError::WrongKind));

    // Relabelled, they are not authentic.
    let relabelled = |cookie: &[u8], kind| [&cookie[..KIND], &[kind], &cookie[KIND + 1..]].concat();
    let forged = relabelled(&authorization, Kind::Session as u8);
    assert_eq!(keyring.open_session(&forged, NOW), Err(CookieError::Forged));
    let forged = relabelled(&session, Kind::Authorization as u8);
    assert_eq!(keyring.open_authorization(&forged, NOW), Err(CookieError::Forged));
    for other in [0, 3, 4, 5, 255] {
        let other = relabelled(&session, other);
        assert_eq!(keyring.open_session(&other, NOW), Err(CookieError::WrongKind));
    }
}

#[test]
fn cookies_of_servers_and_of_agents_never_pass_for_each_other() {
    let keyring = Keyring::generate(NOW);
    let server = uuid::Uuid::from_u128(7);
    let protocol = ProtocolVersion { major: 1, minor: 20 };
    let of_server = DssSessionState { server, protocol };
    let proof = DssAuthorizationState { server };
    let cookies = [
        keyring.seal_authorization(&authorization(), NOW + HOUR).unwrap(),
        sealed(&keyring),
        keyring.seal_dss_authorization(&proof, NOW + HOUR),
        keyring.seal_dss_session(&of_server, NOW + HOUR),
    ];
    for (position, cookie) in cookies.iter().enumerate() {
        let accepted = [
            keyring.open_authorization(cookie, NOW).map(|_| ()),
            keyring.open_session(cookie, NOW).map(|_| ()),
            keyring.open_dss_authorization(cookie, NOW).map(|_| ()),
            keyring.open_dss_session(cookie, NOW).map(|_| ()),
        ];
        for (other, accepted) in accepted.into_iter().enumerate() {
            let expected = if other == position { Ok(()) } else { Err(CookieError::WrongKind) };
            assert_eq!(accepted, expected, "{position} as {other}");
        }
    }
    assert_eq!(keyring.open_dss_authorization(&cookies[2], NOW), Ok((proof, NOW + HOUR)));
    assert_eq!(keyring.open_dss_session(&cookies[3], NOW), Ok(of_server));
    let late = NOW + HOUR;
    assert_eq!(keyring.open_dss_authorization(&cookies[2], late), Err(CookieError::Expired));
    assert_eq!(keyring.open_dss_session(&cookies[3], late), Err(CookieError::Expired));
    for bytes in [&b"short"[..], &[0; 21], &[0; 19]] {
        let cookie = keyring.seal(Kind::DssSession, NOW + HOUR, bytes);
        assert_eq!(keyring.open_dss_session(&cookie, NOW), Err(CookieError::Malformed));
    }
}

#[test]
fn expires_at_its_second_and_can_still_be_renewed() {
    let keyring = Keyring::generate(NOW);
    let cookie = sealed(&keyring);
    assert!(keyring.open_session(&cookie, NOW + HOUR - 1).is_ok());
    assert_eq!(keyring.open_session(&cookie, NOW + HOUR), Err(CookieError::Expired));
    assert_eq!(keyring.open_session_any_age(&cookie), Ok(session()));
    let cookie = keyring.seal_authorization(&authorization(), NOW + HOUR).unwrap();
    assert_eq!(keyring.open_authorization(&cookie, NOW + HOUR), Err(CookieError::Expired));
}

#[test]
fn another_servers_cookie_is_foreign() {
    let (keyring, other) = (Keyring::generate(NOW), Keyring::generate(NOW));
    let mut cookie = sealed(&other);
    assert_eq!(keyring.open_session(&cookie, NOW), Err(CookieError::Foreign));
    cookie[SERVER_ID].copy_from_slice(keyring.server_id().as_bytes());
    assert_eq!(keyring.open_session(&cookie, NOW), Err(CookieError::Forged));
    // A WSUS cookie has no form that we know.
    assert_eq!(keyring.open_session(&[0xa5; 496], NOW), Err(CookieError::Malformed));
}

#[test]
fn a_megabyte_is_refused_by_its_length() {
    let keyring = Keyring::generate(NOW);
    let mut cookie = sealed(&keyring);
    cookie.resize(1 << 20, b'A');
    assert_eq!(keyring.open_session(&cookie, NOW), Err(CookieError::Malformed));
    assert_eq!(keyring.open_session_any_age(&cookie), Err(CookieError::Malformed));
    assert_eq!(keyring.open_authorization(&cookie, NOW), Err(CookieError::Malformed));
}

#[test]
fn rotation_keeps_old_cookies_readable_for_a_month() {
    const DAY: i64 = 24 * HOUR;
    let mut keyring = Keyring::generate(NOW);
    let cookie = sealed(&keyring);
    for day in 1..=32 {
        keyring = keyring.rotated(NOW + day * DAY);
        assert_eq!(keyring.open_session_any_age(&cookie), Ok(session()), "day {day}");
    }
    keyring = keyring.rotated(NOW + 33 * DAY);
    assert_eq!(keyring.open_session_any_age(&cookie), Err(CookieError::Forged));
    assert_eq!(keyring.open_session(&sealed(&keyring), NOW).map(|(state, _)| state), Ok(session()));
}

#[test]
fn names_that_do_not_fit_are_refused_when_sealing() {
    let keyring = Keyring::generate(NOW);
    let longest = AuthorizationState {
        client_id: "i".repeat(255),
        dns_name: "d".repeat(255),
        target_group: "g".repeat(512),
    };
    let AuthorizationState { client_id, dns_name, target_group } = longest.clone();
    let session = SessionState { client_id, dns_name, target_group, ..session() };
    assert!(keyring.seal_session(&session, NOW + 1).unwrap().len() < 1200);
    let cookie = keyring.seal_authorization(&longest, NOW + 1).unwrap();
    assert_eq!(keyring.open_authorization(&cookie, NOW), Ok(longest.clone()));
    for (field, state) in [
        ("clientId", AuthorizationState { client_id: "i".repeat(256), ..longest.clone() }),
        ("dnsName", AuthorizationState { dns_name: "d".repeat(70_000), ..longest.clone() }),
        ("targetGroupName", AuthorizationState { target_group: "g".repeat(513), ..longest }),
    ] {
        assert_eq!(keyring.seal_authorization(&state, NOW), Err(TooLong(field)));
    }
}

#[test]
fn an_authentic_state_of_another_layout_is_refused() {
    let keyring = Keyring::generate(NOW);
    let state = session().to_bytes().unwrap();
    for bytes in [&state[..state.len() - 1], &[&state[..], b"\0"].concat(), b"\x02\0\xff\xff"] {
        let cookie = keyring.seal(Kind::Session, NOW + HOUR, bytes);
        assert_eq!(keyring.open_session(&cookie, NOW), Err(CookieError::Malformed));
    }
}

#[test]
fn a_state_of_before_there_were_timelines_is_of_the_first() {
    let keyring = Keyring::generate(NOW);
    let state = session().to_bytes().unwrap();
    let cookie = keyring.seal(Kind::Session, NOW + HOUR, &state[..state.len() - 16]);
    let first = SessionState { timeline: uuid::Uuid::nil(), ..session() };
    assert_eq!(keyring.open_session(&cookie, NOW), Ok((first, NOW + HOUR)));
}

prop_compose! {
    fn any_session()(
        client_id in ".{0,60}",
        dns_name in ".{0,60}",
        target_group in ".{0,120}",
        (major, minor) in any::<(u16, u16)>(),
        config_change in any::<i64>(),
        (software_watermark, driver_watermark, view, round) in any::<(u64, u64, u64, u16)>(),
        timeline in any::<u128>().prop_map(uuid::Uuid::from_u128),
    ) -> SessionState {
        let protocol = ProtocolVersion { major, minor };
        SessionState {
            client_id, dns_name, target_group, protocol, config_change, software_watermark,
            driver_watermark, view, round, timeline,
        }
    }
}

proptest! {
    #[test]
    fn every_state_round_trips(state in any_session(), expires in any::<i64>(), now in any::<i64>()) {
        let keyring = Keyring::generate(NOW);
        let cookie = keyring.seal_session(&state, expires).unwrap();
        prop_assert_eq!(keyring.open_session_any_age(&cookie), Ok(state.clone()));
        let expected = if now < expires { Ok((state, expires)) } else { Err(CookieError::Expired) };
        prop_assert_eq!(keyring.open_session(&cookie, now), expected);
    }

    #[test]
    fn arbitrary_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        let keyring = Keyring::generate(NOW);
        let labelled = [&keyring.head(Kind::Session, 1)[..], &bytes].concat();
        prop_assert!(keyring.open_session_any_age(&bytes).is_err());
        prop_assert!(keyring.open_session_any_age(&labelled).is_err());
    }
}
