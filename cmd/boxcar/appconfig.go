package main

import (
	"encoding/json"

	"boxcar/boxapi"
)

// configFile is the file that SDKs read to log in as an application.
func configFile(clientID, secret, keyID, key, passphrase, enterprise string) ([]byte, error) {
	return json.MarshalIndent(boxapi.AppConfig{
		BoxAppSettings: boxapi.BoxAppSettings{
			ClientID: clientID, ClientSecret: secret,
			AppAuth: boxapi.AppAuth{PublicKeyID: keyID, PrivateKey: key, Passphrase: passphrase},
		},
		EnterpriseID: boxapi.ID(enterprise),
	}, "", "  ")
}
