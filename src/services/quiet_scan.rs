//! A scan that is the computer's last one over again, when that found nothing.
//!
//! A computer that scans more often than anything is published or installed sends the same 1,500 ids
//! again, to find that nothing is new. Reading them and looking them up is most of the work of
//! answering, and when neither the request nor the server has changed there is nothing in it that is
//! not known. So a quiet scan leaves a digest of
//! its request, without the cookie, with the computer. The same request again, answered from the
//! same snapshot and with a cookie that was told of all of it, finds nothing again. Cookie, session
//! and registration are checked as for any other.
//!
//! A digest is kept with the computer that sent the request and compared with nobody else's. Its key
//! is made at every start and never leaves, so a request cannot be made up to pass for another; and
//! if it could, it would be the computer's own.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::catalog::Delta;
use crate::services::Services;
use crate::services::call::{Outcome, SoapCall};
use crate::services::cookie::random;
use crate::services::sync_updates::{Asked, Part, Pass};
use crate::state::QuietScan;
use crate::wire::body::BodyWriter;
use crate::wire::operation::{Operation, Service};
use crate::wire::soap::{self, SoapVersion};
use crate::wire::wusp::client::{AroundCookie, SyncUpdatesResponse};
use crate::wire::wusp::types::Cookie;

/// Makes digests of requests: GMAC, which is as fast as memory. That nonces come again with it gives
/// away what two digests have in common, to whoever sees them; nobody does.
pub(super) struct Digests(LessSafeKey);

impl Digests {
    pub(super) fn new() -> Self {
        let key = UnboundKey::new(&AES_256_GCM, &random::<32>());
        Self(LessSafeKey::new(key.expect("the secret has the cipher's length")))
    }

    /// Of everything in a request but its cookie; none when the library refuses.
    fn of(&self, around: &AroundCookie<'_>, content_type: Option<&str>) -> Option<[u8; 32]> {
        // The one has no fixed length, so it stands last.
        let before = [around.before, content_type.unwrap_or_default().as_bytes()].concat();
        let mut digest = [0; 32];
        for ((part, text), nonce) in
            digest.chunks_exact_mut(16).zip([before.as_slice(), around.after]).zip(0..)
        {
            let nonce = Nonce::assume_unique_for_key([nonce; NONCE_LEN]);
            let tag = self.0.seal_in_place_separate_tag(nonce, Aad::from(text), &mut []).ok()?;
            part.copy_from_slice(tag.as_ref().first_chunk::<16>()?);
        }
        Some(digest)
    }
}

impl Services {
    /// Answers a scan that is the last one over again; none when it has to be read, which is then
    /// also what finds out what is wrong with it.
    pub(super) fn scan_again(
        &self,
        call: &SoapCall,
        outcome: &mut Outcome,
    ) -> Option<(SoapVersion, BodyWriter)> {
        let around = software_scan(call)?;
        let cookie = Cookie {
            encrypted_data: Some(STANDARD.decode(around.encrypted_data).ok()?),
            ..Cookie::default()
        };
        let session = self.session(Some(&cookie), outcome).ok()?;
        let tracked = self.state.computers().find(&session.state.client_id)?;
        let quiet = tracked.last_contact.quiet()?;
        if quiet.request != self.digests.of(&around, call.content_type.as_deref())? {
            return None;
        }
        let asked = self.asked(session).ok()?;
        let state = &asked.session.state;
        let unchanged = quiet.published.as_ptr() == Arc::as_ptr(&asked.published)
            && quiet.view == state.view
            && state.software_watermark == asked.published.sequence;
        if !unchanged {
            return None;
        }
        let pass = Pass {
            part: Part::Software,
            delta: Delta::default(),
            matches: Vec::new(),
            is_complete: true,
            driver_sync_not_needed: quiet.driver_sync_not_needed,
        };
        let version = quiet.version;
        let answer =
            self.answer(asked, pass, |info| soap::respond(version, &SyncUpdatesResponse(info)));
        Some((version, answer.ok()?))
    }

    /// Remembers a scan if it is quiet.
    pub(super) fn remember_quiet(
        &self,
        call: &SoapCall,
        version: SoapVersion,
        asked: &Asked,
        pass: &Pass,
    ) {
        if !is_quiet(asked, pass) {
            return;
        }
        let Some(around) = software_scan(call) else { return };
        let Some(request) = self.digests.of(&around, call.content_type.as_deref()) else { return };
        asked.tracked.last_contact.remember(QuietScan {
            request,
            published: Arc::downgrade(&asked.published),
            view: asked.session.state.view,
            version,
            driver_sync_not_needed: pass.driver_sync_not_needed,
        });
    }
}

/// The request, if it can be a scan whose answer is known: by its headers one for updates, with a
/// cookie as agents write it.
fn software_scan(call: &SoapCall) -> Option<AroundCookie<'_>> {
    let is_scan = call.service == Service::Client
        && call.operation == Some(Operation::SyncUpdates)
        && call.body.len() <= Operation::SyncUpdates.body_limit();
    is_scan.then(|| AroundCookie::of(&call.body))?
}

/// Whether a pass found nothing, and the client had been told of every change before.
fn is_quiet(asked: &Asked, pass: &Pass) -> bool {
    let Delta { new, kept: _, out_of_scope, deployed_out_of_scope } = &pass.delta;
    pass.part == Part::Software
        && pass.is_complete
        && asked.session.state.software_watermark == asked.published.sequence
        && new.is_empty()
        && out_of_scope.is_empty()
        && deployed_out_of_scope.is_empty()
}
