// The one file of the target that test_pch.h is compiled with.
