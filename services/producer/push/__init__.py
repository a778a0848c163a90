"""Events by HTTP: `POST /v1/events`, beside the page (`run`) or the metrics (`producer`)."""
