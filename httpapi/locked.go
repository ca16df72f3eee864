package httpapi

import "fhirlog/domain"

// Locked says why nothing may be read or written at the moment, because the operator's
// key is not there; nil if everything may. It is asked for each request, so it has to
// be quick. What describes the server, and says how it is, is answered all the same.
type Locked func() error

// lockedOut is what a request is refused with.
func (s *Server) lockedOut() error {
	if s.locked == nil {
		return nil
	}
	if err := s.locked(); err != nil {
		return domain.NewError(domain.KeyGone, "What this server holds is encrypted, and the key of its operator may not be used: "+err.Error()+
			". Its operator has to give the key back; nothing is lost, and the server answers again some seconds later. /health/check tells when.")
	}
	return nil
}
