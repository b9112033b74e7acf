//! What the modules of a crate import of each other, read from its sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree};

/// One import: from a file to a module, both as paths from the root of the crate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Import {
    /// The module that imports.
    pub(super) from: Vec<String>,
    /// What it imports: modules, and an item at the end.
    pub(super) to: Vec<String>,
}

/// The imports of all modules below `source`, but for those of tests.
///
/// A re-export counts as an import of the module that defines the item, so that no path around a direction is left.
///
/// # Errors
///
/// A file cannot be read, or is not Rust.
pub(super) fn imports(source: &Path) -> Result<BTreeSet<Import>> {
    let mut files = Vec::new();
    find(source, &mut files)?;
    let mut imports = BTreeSet::new();
    let mut exports = BTreeMap::new();
    for file in &files {
        let module = module_of(file.strip_prefix(source)?);
        let text = fs::read_to_string(file)?;
        let parsed = syn::parse_file(&text).with_context(|| file.display().to_string())?;
        let mut reader = Reader { module: module.clone(), found: Vec::new(), exported: Vec::new() };
        reader.visit_file(&parsed);
        exports.extend(reader.exported);
        let found = reader.found.into_iter().map(|to| Import { from: module.clone(), to });
        imports.extend(found);
    }
    Ok(imports.into_iter().map(|import| import.resolved(&exports)).collect())
}

impl Import {
    /// Follows re-exports to where the item is defined.
    fn resolved(mut self, exports: &BTreeMap<Vec<String>, Vec<String>>) -> Self {
        // Each step goes to another module; a chain longer than this would be a circle.
        for _ in 0..8 {
            let Some((length, target)) = (1..=self.to.len())
                .rev()
                .find_map(|length| Some((length, exports.get(self.to.get(..length)?)?)))
            else {
                break;
            };
            let rest = self.to.split_off(length);
            self.to = [target.clone(), rest].concat();
        }
        self
    }
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if stem == "tests" || stem == "testing" {
            continue;
        }
        if path.is_dir() {
            find(&path, files)?;
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// `export/table/mod.rs` is `export::table`.
fn module_of(file: &Path) -> Vec<String> {
    let file = file.with_extension("");
    let mut parts: Vec<String> =
        file.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib" || last == "main") {
        parts.pop();
    }
    parts
}

/// Collects the paths of a file that lead to the crate's modules.
struct Reader {
    module: Vec<String>,
    found: Vec<Vec<String>>,
    /// A re-exported item: its path here, and the path of what it is.
    exported: Vec<(Vec<String>, Vec<String>)>,
}

impl Reader {
    /// A path from the root of the crate; none for paths into other crates.
    fn absolute(&self, path: &[String]) -> Option<Vec<String>> {
        match path.first().map(String::as_str)? {
            "crate" => Some(path.get(1..)?.to_vec()),
            "self" => Some([&self.module, path.get(1..)?].concat()),
            "super" => {
                let up = path.iter().take_while(|part| *part == "super").count();
                let kept = self.module.get(..self.module.len().checked_sub(up)?)?;
                Some([kept, path.get(up..)?].concat())
            }
            _ => None,
        }
    }

    fn used(&mut self, tree: &UseTree, before: &[String], is_exported: bool) {
        let with = |part: &syn::Ident| [before, &[part.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.used(&path.tree, &with(&path.ident), is_exported),
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.used(tree, before, is_exported));
            }
            UseTree::Name(name) => self.item(&with(&name.ident), &name.ident, is_exported),
            UseTree::Rename(name) => self.item(&with(&name.ident), &name.rename, is_exported),
            UseTree::Glob(_) => self.found.extend(self.absolute(before)),
        }
    }

    fn item(&mut self, path: &[String], name: &syn::Ident, is_exported: bool) {
        let here = [self.module.as_slice(), &[name.to_string()]].concat();
        // `mod part; pub use part::Item;`: the path begins with a child of this module.
        let is_relative =
            !matches!(path.first().map(String::as_str), Some("crate" | "self" | "super"));
        let target = if is_exported && is_relative {
            Some([&self.module, path].concat())
        } else {
            self.absolute(path)
        };
        let Some(target) = target else { return };
        if is_exported {
            self.exported.push((here, target.clone()));
        }
        if !(is_exported && is_relative) {
            self.found.push(target);
        }
    }

    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => path.push(ident.to_string()),
                TokenTree::Punct(punct) if punct.as_char() == ':' => {}
                TokenTree::Group(group) => {
                    self.tokens(group.stream());
                    path.clear();
                }
                _ => path.clear(),
            }
            if path.first().is_some_and(|first| first != "crate" && first != "super") {
                path.clear();
            } else if path.len() > 1 {
                self.found.extend(self.absolute(&path));
            }
        }
    }
}

/// Whether an item is compiled for tests only.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.meta.require_list().is_ok_and(|list| {
                list.tokens.to_string().split([' ', ',', '(', ')']).any(|word| word == "test")
            })
    })
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_test(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_test(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let is_exported = !matches!(item.vis, syn::Visibility::Inherited);
        self.used(&item.tree, &[], is_exported);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.found.extend(self.absolute(&parts).filter(|_| parts.len() > 1));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}
