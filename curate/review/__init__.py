"""Review by people: the queue of held documents, the page that asks, the answers, and what decisions make of them."""
