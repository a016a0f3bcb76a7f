//! Reading answers: elements by local name, because a client may not care for prefixes.

use roxmltree::Node;

/// The child elements of `node` called `name`.
pub(crate) fn children<'a, 'i>(
    node: Node<'a, 'i>,
    name: &'a str,
) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.tag_name().name() == name)
}

/// The only child called `name`, or none.
pub(crate) fn child<'a, 'i>(node: Node<'a, 'i>, name: &'a str) -> Option<Node<'a, 'i>> {
    let mut found = children(node, name);
    let child = found.next();
    assert!(found.next().is_none(), "{name} twice in {}", node.tag_name().name());
    child
}

/// The elements of the list `name` of `node`; nothing when it is absent.
pub(crate) fn list<'a, 'i>(node: Node<'a, 'i>, name: &'a str) -> Vec<Node<'a, 'i>> {
    let items = child(node, name).into_iter().flat_map(|list| list.children());
    items.filter(Node::is_element).collect()
}

/// The text of a child that has to be there.
pub(crate) fn text(node: Node<'_, '_>, name: &str) -> String {
    let child = child(node, name);
    let child = child.unwrap_or_else(|| panic!("no {name} in {}", node.tag_name().name()));
    child.text().unwrap_or_default().to_owned()
}

/// The number in an element.
pub(crate) fn number(node: Node<'_, '_>) -> u32 {
    node.text().expect("a text").parse().expect("a number")
}

/// The numbers of the list `name`.
pub(crate) fn numbers(node: Node<'_, '_>, name: &str) -> Vec<u32> {
    list(node, name).into_iter().map(number).collect()
}

/// The names of the child elements, in order.
pub(crate) fn names(node: Node<'_, '_>) -> Vec<String> {
    let elements = node.children().filter(Node::is_element);
    elements.map(|element| element.tag_name().name().to_owned()).collect()
}

/// A fragment in a root of its own, since it is a run of elements and no document. The undeclared
/// prefixes are names with a period, so nothing has to be declared.
pub(crate) fn rooted(fragment: &str) -> String {
    format!("<fragment>{fragment}</fragment>")
}
