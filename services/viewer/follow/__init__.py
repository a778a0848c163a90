"""Ways to follow an author from elsewhere: badge, card, Atom feed, oEmbed, previews of links, webhooks."""
