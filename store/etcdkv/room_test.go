package etcdkv

import "testing"

func TestAnEtcdThatIsTooOldIsKnownByItsVersion(t *testing.T) {
	for version, want := range map[string]bool{
		"3.3.27": false, "2.3.8": false, "3.4.0": true, "3.4.23": true, "3.6.0-rc.4": true, "3.10.1": true, "4.0.0": true,
		"": false, "master": false,
	} {
		if recent(version) != want {
			t.Errorf("version %q will do: %v", version, !want)
		}
	}
}
