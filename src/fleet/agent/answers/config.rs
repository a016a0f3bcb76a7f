//! Answers of the handshake, and of StartCategoryScan.

use uuid::Uuid;

use super::sequence::{boolean, list, skip, text, value};
use super::{Field, Sequence, optional, read_cookie, required};
use crate::fleet::agent::requests::Cookie;
use crate::fleet::referee::{Complaint, Rule};
use crate::wire::xml::Cursor;

/// What GetConfig says that an agent follows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// `LastChange`, given back as it came.
    pub last_change: String,
    /// Whether a computer has to register.
    pub is_registration_required: bool,
    /// The authorization plug-in's name.
    pub plug_in_id: String,
    /// Where it is, relative to the server.
    pub service_url: String,
    /// `MaxExtendedUpdatesPerRequest`.
    pub max_extended_updates: usize,
    /// `ProtocolVersion`: category scans need 3.2.
    pub protocol_version: String,
}

/// Reads the answer to GetConfig.
pub fn config(mut cursor: Cursor<'_>) -> Result<Config, Complaint> {
    const RESPONSE: &[Field] = &[required("GetConfigResult")];
    const RESULT: &[Field] = &[
        required("LastChange"),
        required("IsRegistrationRequired"),
        required("AuthInfo"),
        optional("AllowedEventIds"),
        required("Properties"),
    ];
    let mut config = Config::default();
    let mut response = Sequence::new("GetConfigResponse", RESPONSE);
    while response.next(&mut cursor)?.is_some() {
        let mut result = Sequence::new("GetConfigResult", RESULT);
        while let Some(field) = result.next(&mut cursor)? {
            match field {
                "LastChange" => config.last_change = text(&mut cursor)?,
                "IsRegistrationRequired" => {
                    config.is_registration_required = boolean(&mut cursor)?;
                }
                "AuthInfo" => config.read_plug_ins(&mut cursor)?,
                "Properties" => config.read_properties(&mut cursor)?,
                _ => skip(&mut cursor)?,
            }
        }
    }
    config.check()?;
    Ok(config)
}

impl Config {
    fn read_plug_ins(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Complaint> {
        const PLUG_IN: &[Field] =
            &[required("PlugInID"), required("ServiceUrl"), optional("Parameter")];
        list(cursor, "AuthInfo", "AuthPlugInInfo", |cursor| {
            let mut plug_in = Sequence::new("AuthPlugInInfo", PLUG_IN);
            while let Some(field) = plug_in.next(cursor)? {
                match field {
                    "PlugInID" => self.plug_in_id = text(cursor)?,
                    "ServiceUrl" => self.service_url = text(cursor)?,
                    _ => skip(cursor)?,
                }
            }
            Ok(())
        })
    }

    fn read_properties(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Complaint> {
        const PROPERTY: &[Field] = &[required("Name"), required("Value")];
        list(cursor, "Properties", "ConfigurationProperty", |cursor| {
            let mut property = Sequence::new("ConfigurationProperty", PROPERTY);
            let (mut name, mut content) = (String::new(), String::new());
            while let Some(field) = property.next(cursor)? {
                match field {
                    "Name" => name = text(cursor)?,
                    _ => content = text(cursor)?,
                }
            }
            match name.as_str() {
                "MaxExtendedUpdatesPerRequest" => {
                    let number = content.parse().ok().filter(|number| *number > 0);
                    self.max_extended_updates =
                        number.ok_or_else(|| super::sequence::bad_value(&name, &content))?;
                }
                "ProtocolVersion" => self.protocol_version = content,
                _ => {}
            }
            Ok(())
        })
    }

    fn check(&self) -> Result<(), Complaint> {
        let missing = if self.plug_in_id != "SimpleTargeting" {
            "the plug-in SimpleTargeting"
        } else if self.max_extended_updates == 0 {
            "MaxExtendedUpdatesPerRequest"
        } else if self.protocol_version.is_empty() {
            "ProtocolVersion"
        } else {
            return Ok(());
        };
        Err(Complaint::new(Rule::Configuration, format!("GetConfig does not name {missing}")))
    }

    /// Whether the server has StartCategoryScan.
    pub fn has_category_scans(&self) -> bool {
        let parts = self.protocol_version.split_once('.');
        let numbers =
            parts.and_then(|(a, b)| Some((a.parse::<u32>().ok()?, b.parse::<u32>().ok()?)));
        numbers.is_some_and(|version| version >= (3, 2))
    }
}

/// Reads the answer to GetAuthorizationCookie: the plug-in's name and its cookie.
pub fn authorization_cookie(mut cursor: Cursor<'_>) -> Result<(String, String), Complaint> {
    const RESPONSE: &[Field] = &[required("GetAuthorizationCookieResult")];
    const RESULT: &[Field] = &[required("PlugInId"), required("CookieData")];
    let (mut plug_in_id, mut data) = (String::new(), String::new());
    let mut response = Sequence::new("GetAuthorizationCookieResponse", RESPONSE);
    while response.next(&mut cursor)?.is_some() {
        let mut result = Sequence::new("GetAuthorizationCookieResult", RESULT);
        while let Some(field) = result.next(&mut cursor)? {
            match field {
                "PlugInId" => plug_in_id = text(&mut cursor)?,
                _ => data = text(&mut cursor)?,
            }
        }
    }
    if data.is_empty() {
        return Err(Complaint::new(Rule::Cookie, "the authorization cookie is empty"));
    }
    Ok((plug_in_id, data))
}

/// Reads the answer to GetCookie.
pub fn cookie(mut cursor: Cursor<'_>) -> Result<Cookie, Complaint> {
    const RESPONSE: &[Field] = &[required("GetCookieResult")];
    let mut cookie = Cookie::default();
    let mut response = Sequence::new("GetCookieResponse", RESPONSE);
    while response.next(&mut cursor)?.is_some() {
        cookie = read_cookie(&mut cursor, "GetCookieResult")?;
    }
    Ok(cookie)
}

/// Reads the answer to StartCategoryScan: the categories to scan for. Those in error are none.
pub fn preferred_categories(mut cursor: Cursor<'_>) -> Result<Vec<Uuid>, Complaint> {
    const RESPONSE: &[Field] =
        &[optional("preferredCategoryIds"), optional("requestedCategoryIdsInError")];
    let mut preferred = Vec::new();
    let mut response = Sequence::new("StartCategoryScanResponse", RESPONSE);
    while let Some(field) = response.next(&mut cursor)? {
        list(&mut cursor, field, "guid", |cursor| {
            let id = value(cursor)?;
            if field == "preferredCategoryIds" {
                preferred.push(id);
            }
            Ok(())
        })?;
    }
    Ok(preferred)
}
