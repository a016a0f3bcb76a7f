//! Structures that are read and written.

use std::borrow::Cow;

use crate::wire::xml::{Cursor, XmlError};

use super::write::Writer;

/// A structure that can be written as an element.
pub trait Written {
    /// The element's attributes: names and texts, the texts not escaped.
    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Writes the element's children, in the order of the contract.
    fn write_fields(&self, out: &mut Writer<'_>);
}

/// Declares a structure of a message, how it is read and how it is written.
///
/// As in [`super::read::request_structure`] every field is an `Option`, and what the specification
/// demands is for the operation to check. A line reads `field: Type = "ElementName" => codec`; the
/// lines' order is the contract's. Attributes, if any, follow in a block of their own.
macro_rules! message_structure {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident $(<$life:lifetime>)? {
            $(
                $(#[$field_meta:meta])*
                $field:ident: $type:ty = $element:literal => $codec:expr,
            )*
        }
        $(attributes {
            $(
                $(#[$attribute_meta:meta])*
                $attribute:ident: $attribute_type:ty = $attribute_name:literal => $simple:expr,
            )*
        })?
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        $vis struct $name $(<$life>)? {
            $( $(#[$field_meta])* $vis $field: Option<$type>, )*
            $($( $(#[$attribute_meta])* $vis $attribute: Option<$attribute_type>, )*)?
        }

        impl<'text $(, $life)?> $crate::wire::soap::read::Structure<'text> for $name $(<$life>)?
        where
            $('text: $life,)?
        {
            fn read(
                cursor: &mut $crate::wire::xml::Cursor<'text>,
            ) -> Result<Self, $crate::wire::soap::read::RequestError> {
                #[allow(unused_imports, reason = "a structure may have no fields")]
                use $crate::wire::soap::codec::{Codec, Simple};
                #[allow(unused_imports, reason = "a structure may have no fields")]
                use $crate::wire::soap::read::{Problem, RequestError, next_field};
                const FIELDS: &[&str] = &[$($element),*];
                #[allow(unused_mut, reason = "a structure may have no fields")]
                let mut structure = Self::default();
                $(
                    use $crate::wire::soap::read::note_unknown;
                    for (name, text) in $crate::wire::soap::message::attributes(cursor)? {
                        match &*name {
                            $(
                                $attribute_name => {
                                    let value = Simple::parse(&$simple, text)
                                        .map_err(|e| e.within($attribute_name))?;
                                    structure.$attribute = Some(value);
                                }
                            )*
                            unknown => note_unknown(unknown),
                        }
                    }
                )?
                while let Some(field) = next_field(cursor, FIELDS)? {
                    match field {
                        $(
                            $element => {
                                if structure.$field.is_some() {
                                    return Err(RequestError::new(Problem::Duplicate).within(field));
                                }
                                let value =
                                    Codec::read(&$codec, cursor).map_err(|e| e.within(field))?;
                                structure.$field = Some(value);
                            }
                        )*
                        _ => {}
                    }
                }
                Ok(structure)
            }
        }

        impl $(<$life>)? $crate::wire::soap::Written for $name $(<$life>)? {
            $(
                fn attributes(&self) -> Vec<(&'static str, String)> {
                    use $crate::wire::soap::codec::Simple;
                    let mut attributes = Vec::new();
                    $(
                        if let Some(value) = &self.$attribute {
                            let text = Simple::format(&$simple, value).into_owned();
                            attributes.push(($attribute_name, text));
                        }
                    )*
                    attributes
                }
            )?

            #[allow(unused_variables, reason = "a structure may have no fields")]
            fn write_fields(&self, out: &mut $crate::wire::soap::write::Writer<'_>) {
                $(
                    if let Some(value) = &self.$field {
                        $crate::wire::soap::codec::Codec::write(&$codec, out, $element, value);
                    }
                )*
            }
        }
    };
}
pub(crate) use message_structure;

/// The unqualified attributes of the element that the cursor stepped onto last.
pub(crate) fn attributes(
    cursor: &Cursor<'_>,
) -> Result<Vec<(String, Cow<'static, str>)>, XmlError> {
    let mut attributes = Vec::new();
    for attribute in cursor.element().into_iter().flat_map(|element| element.attributes()) {
        let attribute = attribute?;
        if attribute.prefix().is_none() && !attribute.is_declaration() {
            let text = Cow::Owned(attribute.value.into_owned());
            attributes.push((attribute.name.to_owned(), text));
        }
    }
    Ok(attributes)
}
