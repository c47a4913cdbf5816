//! What a step says that has many texts: `says = { menu = ["..."] }` in the node takes the place of a built-in one.

macro_rules! says {
    ($($(#[doc = $about:literal])* $name:ident = [$($word:literal),+],)+) => {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(super) struct Says {
            $($(#[doc = $about])* pub $name: crate::flow::definition::Saying,)+
        }

        impl Default for Says {
            fn default() -> Self {
                Self { $($name: vec![$(crate::flow::definition::word($word)),+],)+ }
            }
        }

        impl Says {
            pub fn words(&self) -> Vec<&crate::flow::definition::Word> {
                [$(&self.$name),+].into_iter().flatten().collect()
            }
        }
    };
}

pub(super) use says;
