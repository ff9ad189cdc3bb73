//! The use cases of rules: when and where an access ID may begin to charge.

use domain::{Id, Rules, StoredRules};

use crate::{
    Credential, Error, Origin, Store,
    items::{AccessIdItem, Corrupt, TagItem, milliseconds},
    keys,
};

impl Store {
    /// The rules of an access ID. One call.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::NotFound`], [`Error::Unavailable`] if this version cannot read the rules, and the
    /// table's own.
    pub async fn get_access_id_rules(&self, caller: &Credential, id: Id) -> Result<Rules, Error> {
        let key = keys::access_id(&caller.organization, id);
        let (_, mut found) = self.table.authorize_reading(caller, [key.clone()]).await?;
        let access_id = found.take_record::<AccessIdItem>(&key)?.ok_or(Error::NotFound)?;
        match access_id.value.rules {
            StoredRules::Readable(rules) => Ok(rules),
            StoredRules::Unreadable => Err(Corrupt::new("rules that this version does not know").into()),
        }
    }

    /// Gives an access ID these rules in the place of those that it had. Two calls, one if nothing changes.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::NotFound`], and the table's own.
    pub async fn put_access_id_rules(&self, origin: Origin<'_>, id: Id, rules: &Rules) -> Result<(), Error> {
        let organization = &origin.caller.organization;
        let now = milliseconds(origin.now);
        let key = keys::access_id(organization, id);
        self.table
            .settle(async || {
                let (_, mut found) = self.table.authorize_reading(origin.caller, [key.clone()]).await?;
                let before = found.take_record::<AccessIdItem>(&key)?.ok_or(Error::NotFound)?;
                let after = before.value.with_rules(rules.clone(), now);
                let mut transaction = self.transaction(origin)?;
                if after != before.value {
                    transaction.write::<AccessIdItem>(organization, &after, Some(&before))?;
                    transaction.follow(keys::tag(organization, &after.tag), &TagItem::new(&after))?;
                }
                self.table.commit(transaction).await?;
                Ok(())
            })
            .await
    }
}
